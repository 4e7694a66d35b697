"""Hide secrets in what exceptions say, before it is stored, shown or made into a fingerprint.

Known by their surroundings (``password=``, ``"token": "..."``, ``Authorization: Bearer ...``, the password of a URL) or
by their shape (keys of well-known services, JWTs, private keys, payment card numbers). Words that only talk about
secrets ("invalid token: expired") stay: the classifier reads them.
"""

from __future__ import annotations

import re

from redrive.taxonomy.words import has_any

MASK = "***"

_URL = re.compile(r"(://[^\s:/@]{0,200}:)[^\s@/]{1,500}(?=@)")
_NAME = (
    r"(?:pass(?:word|wd|phrase)?|pwd|secret|token|api[_-]?key|access[_-]?key(?:[_-]?id)?|account[_-]?key|"
    r"shared[_-]?access[_-]?(?:key|signature)|private[_-]?key|encryption[_-]?key|authorization|cookie|"
    r"session[_-]?(?:id|key)|csrf|credentials?|signature|sig|x-amz-[a-z-]{1,30}|cvv|cvc|iban|pin)"
)
_VALUE = r"[^\s\"',;&)}\]]"
_NAMED = re.compile(
    # password=x and password='x'; then "password": "x"; then Password: x1, where x1 must look like more than a word.
    rf"({_NAME}\s?=\s?[bu]?[\"']?(?:bearer |basic |token )?){_VALUE}{{2,500}}|"
    rf"({_NAME}[\w-]{{0,20}}[\"']\s?[:,]\s?[bu]?[\"'](?:bearer |basic |token )?)[^\"']{{2,500}}|"
    rf"({_NAME}\s?:\s{{0,3}}(?:bearer |basic |token )?)(?=[^\s]{{0,60}}\d){_VALUE}{{5,500}}|"
    rf"(\b(?:bearer|basic)\s)(?=[^\s]{{0,60}}[\d=.]){_VALUE}{{8,2000}}",
    re.IGNORECASE,
)
_NAMED_NEEDS = ("=", ":", ",", "bearer", "basic")
_NAME_HINTS = (
    "pass", "pwd", "secret", "token", "key", "author", "cookie", "session", "csrf", "credential", "signature", "sig=",
    "x-amz-", "cvv", "cvc", "iban", "pin=", "pin:", "pin'", 'pin"', "bearer", "basic",
)  # fmt: skip
_SHAPES = re.compile(
    r"\beyJ[\w-]{5,2000}\.[\w-]{5,4000}(?:\.[\w-]{0,1000})?|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|"
    r"\b[srp]k_(?:live|test)_\w{8,200}|\bwhsec_\w{8,200}|\bsk-[\w-]{16,200}|\bgh[pousr]_\w{20,255}|"
    r"\bgithub_pat_\w{20,255}|\bglpat-[\w-]{10,100}|\bxox[abposr]-[\w-]{8,255}|\bAIza[\w-]{30,60}|"
    r"\bya29\.[\w-]{10,500}|\bSG\.[\w-]{10,100}\.[\w-]{10,100}|\bnpm_\w{20,100}|\bdop_v1_\w{20,100}|"
    r"\bhf_\w{20,100}|\bkey-[0-9a-f]{32}\b|"
    r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[\s\S]{0,8000}?(?:-----END [A-Z ]{0,40}PRIVATE KEY-----|\Z)"
)
_SHAPE_HINTS = (
    "eyJ", "AKIA", "ASIA", "k_live_", "k_test_", "whsec_", "sk-", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_",
    "glpat-", "xox", "AIza", "ya29.", "SG.", "npm_", "dop_v1_", "hf_", "key-", "-----BEGIN",
)  # fmt: skip
# A pattern that begins with what it looks for is searched several times faster than one that begins by looking back.
_CARD = re.compile(r"\d(?<![\w.-]\d)(?:[ -]?\d){12,18}(?![\w-])")


def mask(text: str) -> str:
    """``text`` with secrets replaced by ``***``. Linear in its length; masking twice changes nothing."""
    if "://" in text and "@" in text:
        text = _URL.sub(rf"\1{MASK}", text)
    lowered = text.casefold()
    if has_any(_NAMED_NEEDS, lowered) and has_any(_NAME_HINTS, lowered):
        text = _NAMED.sub(lambda match: f"{match[1] or match[2] or match[3] or match[4]}{MASK}", text)
    if has_any(_SHAPE_HINTS, text):
        text = _SHAPES.sub(MASK, text)
    return _CARD.sub(_hide_card, text) if len(text) > 12 else text


def _hide_card(match: re.Match[str]) -> str:
    """Only numbers with the check digit of a payment card: order numbers and moments stay readable."""
    digits = [int(letter) for letter in match[0] if letter.isdigit()]
    total = sum(
        digit if place % 2 == 0 else digit * 2 - 9 * (digit > 4)
        for place, digit in enumerate(reversed(digits))
    )
    return MASK if total % 10 == 0 and any(digits) else match[0]
