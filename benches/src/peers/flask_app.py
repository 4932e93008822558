"""One application without authentication, and one with Flask-JWT-Extended's cookies."""

import secrets

from flask import Flask
from flask_jwt_extended import JWTManager, create_access_token, jwt_required, set_access_cookies

bare = Flask("bare")


@bare.get("/user")
def hello():
    return "hello"


guarded = Flask("guarded")
guarded.config["JWT_SECRET_KEY"] = secrets.token_urlsafe(48)
guarded.config["JWT_TOKEN_LOCATION"] = ["cookies"]
JWTManager(guarded)


@guarded.get("/user")
@jwt_required()
def user():
    return "hello"


@guarded.get("/login")
def login():
    response = guarded.make_response(("", 204))
    set_access_cookies(response, create_access_token("3f0a1c52-7d1e-4f5a-9b1d-2f6a0c4be7aa"))
    return response
