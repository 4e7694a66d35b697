"""The rules, as data. ``ALL`` is every rule; the modules group them by what they read."""

from redrive.taxonomy.rules import (
    business,
    classes,
    codes,
    frames,
    libraries_data,
    libraries_remote,
    libraries_servers,
    sql,
    texts_input,
    texts_passing,
    texts_settings,
    vendors,
)
from redrive.taxonomy.rules.rule import (
    ClassRule,
    CodeRule,
    FamilyRule,
    FrameRule,
    NameRule,
    Rule,
    TextRule,
    unique_ids,
)

CODES: tuple[CodeRule, ...] = (*sql.RULES, *codes.RULES, *vendors.RULES)
CLASSES: tuple[ClassRule, ...] = (
    *classes.BUILTINS,
    *classes.STANDARD_LIBRARY,
    *classes.FRAMEWORK,
    *classes.WRAPPERS,
    *classes.DATABASE,
    *libraries_servers.RULES,
    *libraries_remote.RULES,
    *libraries_data.RULES,
)
NAMES: tuple[NameRule, ...] = classes.NAMES
TEXTS: tuple[TextRule, ...] = (
    *texts_passing.RULES,
    *texts_settings.RULES,
    *texts_input.RULES,
    business.OWN_SENTENCE,
)
FRAMES: tuple[FrameRule, ...] = frames.RULES
FAMILIES: tuple[FamilyRule, ...] = frames.FAMILIES
ALL: tuple[Rule, ...] = (*CODES, *CLASSES, *NAMES, *TEXTS, *FRAMES, *FAMILIES)

unique_ids(ALL)

__all__ = [
    "ALL",
    "CLASSES",
    "CODES",
    "FAMILIES",
    "FRAMES",
    "NAMES",
    "TEXTS",
    "ClassRule",
    "CodeRule",
    "FamilyRule",
    "FrameRule",
    "NameRule",
    "Rule",
    "TextRule",
]
