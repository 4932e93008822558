"""The JWT_* options of Flask-JWT-Extended, read from the environment.

Flags are `true` or `false`; lifetimes are whole seconds, or `false` for no expiry; lists are separated by commas;
a key is given as its text, or as `@` followed by the path of a file that contains it.
"""

import os
from datetime import timedelta

FLAGS = (
    "JWT_COOKIE_CSRF_PROTECT",
    "JWT_COOKIE_SECURE",
    "JWT_CSRF_CHECK_FORM",
    "JWT_CSRF_IN_COOKIES",
    "JWT_ENCODE_NBF",
    "JWT_SESSION_COOKIE",
    "JWT_VERIFY_SUB",
)
LIFETIMES = ("JWT_ACCESS_TOKEN_EXPIRES", "JWT_REFRESH_TOKEN_EXPIRES")
SECONDS = ("JWT_DECODE_LEEWAY",)
LISTS = ("JWT_CSRF_METHODS", "JWT_DECODE_ALGORITHMS", "JWT_TOKEN_LOCATION")
# A single value becomes a string and several become a list, because a token's `aud` distinguishes the two.
TEXT_OR_LIST = ("JWT_DECODE_AUDIENCE", "JWT_DECODE_ISSUER", "JWT_ENCODE_AUDIENCE")
KEYS = ("JWT_PRIVATE_KEY", "JWT_PUBLIC_KEY", "JWT_SECRET_KEY")
TEXTS = (
    "JWT_ACCESS_COOKIE_NAME",
    "JWT_ACCESS_COOKIE_PATH",
    "JWT_ACCESS_CSRF_COOKIE_NAME",
    "JWT_ACCESS_CSRF_COOKIE_PATH",
    "JWT_ACCESS_CSRF_FIELD_NAME",
    "JWT_ACCESS_CSRF_HEADER_NAME",
    "JWT_ALGORITHM",
    "JWT_COOKIE_DOMAIN",
    "JWT_COOKIE_SAMESITE",
    "JWT_ENCODE_ISSUER",
    "JWT_ERROR_MESSAGE_KEY",
    "JWT_HEADER_NAME",
    "JWT_HEADER_TYPE",
    "JWT_IDENTITY_CLAIM",
    "JWT_JSON_KEY",
    "JWT_QUERY_STRING_NAME",
    "JWT_QUERY_STRING_VALUE_PREFIX",
    "JWT_REFRESH_COOKIE_NAME",
    "JWT_REFRESH_COOKIE_PATH",
    "JWT_REFRESH_CSRF_COOKIE_NAME",
    "JWT_REFRESH_CSRF_COOKIE_PATH",
    "JWT_REFRESH_CSRF_FIELD_NAME",
    "JWT_REFRESH_CSRF_HEADER_NAME",
    "JWT_REFRESH_JSON_KEY",
)


def _flag(value):
    return {"true": True, "false": False}[value]


def _lifetime(value):
    return False if value == "false" else timedelta(seconds=int(value))


def _list(value):
    return [item.strip() for item in value.split(",")]


def _text_or_list(value):
    return _list(value) if "," in value else value


def _key(value):
    if value.startswith("@"):
        with open(value[1:], encoding="utf-8") as file:
            return file.read()
    return value


READERS = (
    (FLAGS, _flag),
    (LIFETIMES, _lifetime),
    (SECONDS, int),
    (LISTS, _list),
    (TEXT_OR_LIST, _text_or_list),
    (KEYS, _key),
    (TEXTS, str),
)


def from_environment():
    """Returns the options in the environment. Raises ValueError if one of them is unknown."""
    known = {name: read for names, read in READERS for name in names}
    given = {name: value for name, value in os.environ.items() if name.startswith("JWT_")}
    unknown = sorted(given.keys() - known.keys())
    if unknown:
        raise ValueError(f"no such option: {', '.join(unknown)}")
    return {name: known[name](value) for name, value in given.items()}
