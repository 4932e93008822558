# The `hardtack` binary in a small image, under a user of its own. Settings come from the environment:
# docs/running.md.
FROM rust:1-trixie AS build
WORKDIR /build
COPY . .
RUN cargo build --release --locked -p hardtack-cli

FROM debian:trixie-slim
RUN useradd --system --uid 10001 --user-group --home-dir /var/lib/hardtack --shell /usr/sbin/nologin hardtack \
 && install --directory --mode=0700 --owner=hardtack --group=hardtack /var/lib/hardtack
COPY --from=build /build/target/release/hardtack /usr/local/bin/hardtack
USER hardtack
WORKDIR /var/lib/hardtack
ENV HARDTACK_DATA_DIR=/var/lib/hardtack HARDTACK_LISTEN=0.0.0.0:8080
EXPOSE 8080
# bash speaks enough HTTP for this; no other program is needed.
HEALTHCHECK --interval=5s --timeout=4s --start-period=20s --retries=3 CMD ["bash", "-c", "\
exec 3<>/dev/tcp/127.0.0.1/8080 && printf 'GET /healthz HTTP/1.1\\r\\nHost: 127.0.0.1\\r\\nConnection: close\\r\\n\\r\\n' >&3 \
&& read -r _ status _ <&3 && [ \"$status\" = 200 ]"]
ENTRYPOINT ["hardtack"]
CMD ["serve"]
