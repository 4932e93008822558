"""Every way to ask for a token in Flask-JWT-Extended, configured by JWT_* variables alone.

The counterpart of `flask_compat`, an example of `hardtack-axum`: both have the same routes, and a test
holds the answers of one against those of the other.
"""

from datetime import timedelta

from flask import Flask, jsonify, request
from flask_jwt_extended import (
    JWTManager,
    create_access_token,
    create_refresh_token,
    get_jwt_identity,
    get_jwt_request_location,
    jwt_required,
    set_access_cookies,
    set_refresh_cookies,
    unset_access_cookies,
    unset_jwt_cookies,
    unset_refresh_cookies,
)

import settings

GUARDED = {
    "/access": {},
    "/fresh": {"fresh": True},
    "/optional": {"optional": True},
    "/refresh": {"refresh": True},
    "/any_type": {"verify_type": False},
    "/no_revocation_check": {"skip_revocation_check": True},
    "/headers_only": {"locations": ["headers"]},
    "/cookies_only": {"locations": ["cookies"]},
    "/query_only": {"locations": ["query_string"]},
    "/json_only": {"locations": ["json"]},
}
UNSET = {
    "access": unset_access_cookies,
    "refresh": unset_refresh_cookies,
    "all": unset_jwt_cookies,
}

app = Flask(__name__)
app.config.update(settings.from_environment())
jwt = JWTManager(app)
revoked = set()


@jwt.token_in_blocklist_loader
def is_revoked(_header, claims):
    return claims["jti"] in revoked


def who_and_where():
    if request.method == "OPTIONS":  # exempt: nothing was verified
        return jsonify(sub=None, location=None)
    return jsonify(sub=get_jwt_identity(), location=get_jwt_request_location())


for path, policy in GUARDED.items():
    app.add_url_rule(
        path,
        endpoint=path,
        view_func=jwt_required(**policy)(who_and_where),
        methods=["GET", "POST", "OPTIONS"],
    )


def seconds(value):
    """A number is a time from now; `true`, `false` and nothing say the same on both sides."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return timedelta(seconds=value) if is_number else value


@app.post("/tokens")
def tokens():
    asked = request.get_json()
    options = {
        "expires_delta": seconds(asked.get("expires_seconds")),
        "additional_claims": asked.get("additional_claims"),
        "additional_headers": asked.get("additional_headers"),
    }
    if asked.get("kind", "access") == "refresh":
        token = create_refresh_token(asked["identity"], **options)
        set_cookies = set_refresh_cookies
    else:
        token = create_access_token(
            asked["identity"], fresh=seconds(asked.get("fresh", False)), **options
        )
        set_cookies = set_access_cookies
    response = jsonify(token=token)
    set_cookies(response, token)
    return response


@app.post("/unset")
def unset():
    which = request.args.get("which", "all")
    response = jsonify(unset=which)
    UNSET[which](response)
    return response


@app.post("/revoke")
def revoke():
    jti = request.get_json()["jti"]
    revoked.add(jti)
    return jsonify(revoked=jti)
