"""What a project's own exception says when no word of it speaks of machines: a fact that a retry does not change.

"The customer refused the delivery", "La reserva ya fue cancelada": four words at least. Whoever owns the data must act,
so it is PERMANENT_VALIDATION, with so little confidence that whatever the exception was raised from, or while handling,
decides if it says more. Sentences that only say that something failed, or that speak of waiting, are left UNKNOWN.
"""

from __future__ import annotations

import re
from typing import Final

from redrive.taxonomy.rules.text_rule import text_rule
from redrive.taxonomy.types import FailureType
from redrive.taxonomy.words import has_any

# fmt: off
_OF_MACHINES: Final = (
    "server", "serveur", "servidor", "servic", "serviz", "serviç", "dienst", "api", "http", "url", "host", "connect",
    "connex", "conex", "conness", "verbind", "verbroken", "netz", "netw", "réseau", "rete ", "timeout", "timed",
    "time-out", "zeitüber", "délai d'attente", "tiempo de espera", "tempo limite", "antwort", "answer", "respon",
    "réponse", "respuesta", "risposta", "resposta", "datenbank", "databa", "dati ", "dados", "disk", "disque",
    "disco", "schijf", "platte", "speicher", "memor", "mémoire", "geheugen", "process", "thread", "worker", "queue",
    "broker", "cache", "socket", "gateway", "proxy", "cluster", "backend", "upstream", "token", "session", "certifi",
    "zertifi", "slow", "langsam", "busy", "overload", "erreichbar", "verfügbar", "indispon", "disponib",
    "maintenance", "wartung", "manten", "manuten", "momenta", "config", "konfigur", "setting", "einstell",
    "hinterlegt", "variable", "module", "import", "attribut", "argument", "function", "object", "none", "null",
    "permiss", "berecht", "droit", "permis", "zugriff", "access", "acceso", "accès", "denied", "forbidden", "autori",
    "authori", "zulässig", "file", "datei", "fichier", "archiv", "arquiv", "path", "director", "exit", "signal",
    "kill", "crash", "errno", "rate ", "request", "anfrage", "quotas", "requête", "encod", "pars", "version", "schema",
    "too long", "too late", "longer than", " lag", "delay", "stale", "sync", "offline", "reachable", "went away",
    "gone away", "hung up", "gave up", "wait", "stuck", "stall", " hang", "deadlock", "acquire lock",
    "locked by another", "in progress", "still running", " being ", "rebuil", "reboot", "restart", "not ready",
    " yet", "right now", "tomorrow", "meanwhile", "interrupt", "stopped", "halfway", "truncat", "dropped", "jammed",
    "flap", "tunnel", "vpn", "dns", "ftp", "relay", "modem", "carrier", "remote", "endpoint", "webhook", "html",
    "json", "5xx", "traffic", "capacity", "node ", "pod ", "evict", "replica", "mirror", "stream", "channel",
    "download", "upload", "checksum", "transfer", "snapshot", "leader", "lease", "lookup", "is down", "changed by",
    "changed while", "too much", "too many", " feed", "closed early", "out of range", "printer", "scanner", "sensor",
    "terminal", "dauert", "veraltet", "leitung", "abgleich", "gerade", "en retard", "hiccup", "storing", "traag",
    "lento", "lent ", "langzaam",
)
_OF_NOTHING: Final = (
    "error", "fehler", "erreur", "erro ", "fout", "fail", "échec", "fallo", "fallid", "falha", "unexpected",
    "unerwartet", "inesperad", "imprévu", "inattes", "onverwacht", "wrong", "problem", "problèm", " log", "contact",
    "administra", "unknown", "unbekannt", "inconnu", "descon", "sconosc", "retry", "again", "later", "später",
    "plus tard", "más tarde", "più tardi", "mais tarde", "job", "task", "0x", "status", "abort", "backoff",
    "could not", "unable to",
)
_OF_PEOPLE: Final = (
    "customer", "member ", "patient", "employee", "passenger", "guest", "student", "room ", "seat ", "exam ",
    "course ", "booking", "booked", "reservation", "insurance", "yearly", "vacation", "registration", "kunde",
    "mitarbeiter", "buchung",
)
_THEIRS_TOO: Final = ("deadlineexceeded", "quota")
# fmt: on
_SENTENCE: Final = r"\A\W{0,5}\w{1,60}(?:\W{1,9}\w{1,60}){3}"

OWN_SENTENCE: Final = text_rule(
    "own_sentence", FailureType.PERMANENT_VALIDATION, 0.58, " ",
    unless=(*_OF_MACHINES, *_OF_NOTHING),
    pattern=_SENTENCE,
    families=frozenset({""}),
    source="projects' own exceptions",
)  # fmt: skip

_PATTERN: Final = re.compile(_SENTENCE)


def is_of_people(name: str, text: str) -> bool:
    """Whether a class name means a deadline or quota of people: ``DeadlineExceeded`` of a registration.

    Args:
        name: Dotted name of the class.
        text: The message in lower case; it must speak of people and their papers, and of no machine.
    """
    return (
        has_any(_THEIRS_TOO, name.lower())
        and has_any(_OF_PEOPLE, text)
        and not has_any(OWN_SENTENCE.unless, text)
        and _PATTERN.search(text) is not None
    )
