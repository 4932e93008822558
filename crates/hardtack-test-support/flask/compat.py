"""Every way to require a token in Flask-JWT-Extended, configured only by JWT_* variables.

The counterpart of `flask_compat`, an example of `hardtack-axum`: both have the same routes, and a test compares
their responses.
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


def identity_and_location():
    if request.method == "OPTIONS":  # exempt: no token was verified
        return jsonify(sub=None, location=None)
    return jsonify(sub=get_jwt_identity(), location=get_jwt_request_location())


for path, policy in GUARDED.items():
    app.add_url_rule(
        path,
        endpoint=path,
        view_func=jwt_required(**policy)(identity_and_location),
        methods=["GET", "POST", "OPTIONS"],
    )


def seconds(value):
    """Converts a number of seconds; booleans and None have the same meaning in both applications."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return timedelta(seconds=value) if is_number else value


@app.post("/tokens")
def tokens():
    wanted = request.get_json()
    options = {
        "expires_delta": seconds(wanted.get("expires_seconds")),
        "additional_claims": wanted.get("additional_claims"),
        "additional_headers": wanted.get("additional_headers"),
    }
    if wanted.get("kind", "access") == "refresh":
        token = create_refresh_token(wanted["identity"], **options)
        set_cookies = set_refresh_cookies
    else:
        token = create_access_token(
            wanted["identity"], fresh=seconds(wanted.get("fresh", False)), **options
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
