"""placeholder"""

from flask import Blueprint


def documentation_blueprint() -> Blueprint:
    return Blueprint("documentation", __name__)
