"""The app of the tutorial "Using JWT in cookies with a Flask app and RESTful API", in one file.

Log-in, a page, a page that requires a recent password, a form with its CSRF value, refresh and log-out. Its
counterpart is `tutorial`, an example of `hardtack-axum`: running side by side, the two share one log-in.
"""

from flask import Flask, redirect, render_template_string, request, url_for
from flask_jwt_extended import (
    JWTManager,
    create_access_token,
    create_refresh_token,
    get_jwt,
    get_jwt_identity,
    jwt_required,
    set_access_cookies,
    set_refresh_cookies,
    unset_access_cookies,
    unset_jwt_cookies,
)
from werkzeug.security import check_password_hash, generate_password_hash

import settings

PAGE = """<!doctype html>
<html lang="en">
<title>{{ title }}</title>
<h1>{{ title }}</h1>
<p>{{ text }}</p>
{% for action, fields, button in forms %}
<form method="post" action="{{ action }}">
  {% if csrf_token %}<input type="hidden" name="csrf_token" value="{{ csrf_token }}">{% endif %}
  {% for name, value in fields %}<input name="{{ name }}" value="{{ value }}">{% endfor %}
  <button>{{ button }}</button>
</form>
{% endfor %}
"""

app = Flask(__name__)
app.config.update(
    JWT_TOKEN_LOCATION=["cookies"],
    JWT_CSRF_CHECK_FORM=True,
    # Without this, a debugger or a test would get the exception instead of the responses of the loaders below.
    PROPAGATE_EXCEPTIONS=False,
)
app.config.update(settings.from_environment())
jwt = JWTManager(app)

passwords = {"alice": generate_password_hash("correct horse")}
nicknames = {"alice": "Allie"}


def page(title, text, *forms):
    csrf_token = (get_jwt() or {}).get("csrf")
    return render_template_string(PAGE, title=title, text=text, forms=forms, csrf_token=csrf_token)


def to(endpoint, and_then=lambda response: None):
    response = redirect(url_for(endpoint))
    and_then(response)
    return response


@jwt.unauthorized_loader
def not_logged_in(_message):
    return to("login_form")


@jwt.needs_fresh_token_loader
def password_too_long_ago(_header, _claims):
    return to("login_form")


@jwt.invalid_token_loader
def refused(_message):
    return to("login_form", unset_jwt_cookies)


@jwt.expired_token_loader
def expired(_header, claims):
    if claims["type"] == "refresh":
        return to("login_form", unset_jwt_cookies)
    return to("refresh", unset_access_cookies)


@app.get("/")
@jwt_required(optional=True)
def index():
    return page("Welcome", f"You are {get_jwt_identity() or 'nobody'}.")


@app.get("/login")
@jwt_required(optional=True)
def login_form():
    return page("Log in", "", (url_for("login"), [("username", ""), ("password", "")], "Log in"))


@app.post("/login")
def login():
    name, password = request.form["username"], request.form["password"]
    if name not in passwords or not check_password_hash(passwords[name], password):
        return to("login_form")
    response = redirect(url_for("service"))
    set_access_cookies(response, create_access_token(name, fresh=True))
    set_refresh_cookies(response, create_refresh_token(name))
    return response


@app.route("/token/refresh")
@jwt_required(refresh=True)
def refresh():
    token = create_access_token(get_jwt_identity())
    return to("service", lambda response: set_access_cookies(response, token))


@app.post("/logout")
@jwt_required()
def logout():
    return to("index", unset_jwt_cookies)


@app.get("/service")
@jwt_required()
def service():
    nickname = nicknames[get_jwt_identity()]
    return page("Service", f"At your service, {nickname}.", (url_for("logout"), [], "Log out"))


@app.get("/account")
@jwt_required(fresh=True)
def account():
    fields = [("nickname", nicknames[get_jwt_identity()])]
    return page("Account", "", (url_for("change_settings"), fields, "Save"))


@app.post("/account/change_settings")
@jwt_required(fresh=True)
def change_settings():
    nicknames[get_jwt_identity()] = request.form["nickname"]
    return to("account")
