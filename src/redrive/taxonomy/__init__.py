"""What an exception means, and what to do about it.

>>> from redrive.taxonomy import FailureTaxonomy
>>> classification = FailureTaxonomy.classify(ValueError("Invalid data"))
>>> print(classification.failure_type)
FailureType.PERMANENT_VALIDATION
>>> classification.retry_recommended
False

The way of an exception:

1. ``extract`` reads it, and every exception behind it, into ``ExceptionFacts``: plain values that survive JSON.
   It never raises and never touches a network, so it is safe in a failure handler.
2. ``Classifier`` lets the rules look at those facts. Rules are data (``rules/``), each with a source, grouped by
   what they read: structured codes, classes, messages, the place it was raised. Each has a trust; what an
   exception *behind* the first one says counts a little less. The strongest finding decides.
3. The answer is a ``Classification``: type, calibrated confidence, actions, a sentence for the operator, retry
   advice, and the evidence in order of strength.

``fingerprint`` gives the short name under which equal failures are grouped. Projects add rules of their own with the
setting ``RULES`` or the decorator ``rule``; ``Downstream`` tells our own services from third parties.
"""

from redrive.taxonomy.classifier import Classifier
from redrive.taxonomy.corrections import Agreement, Corrections, CorrectionStore, overall
from redrive.taxonomy.downstream import Downstream, parse_downstreams
from redrive.taxonomy.extract import extract
from redrive.taxonomy.facade import FailureTaxonomy
from redrive.taxonomy.facts import ExceptionFacts, Frame
from redrive.taxonomy.fingerprint import fingerprint, normalise_message
from redrive.taxonomy.from_text import ParsedText, parse_text
from redrive.taxonomy.project import ProjectRule, Registry, decorated, parse_rules, rule
from redrive.taxonomy.remediation import REMEDIES, Remedy
from redrive.taxonomy.retry_after import server_wait_seconds
from redrive.taxonomy.secrets import mask
from redrive.taxonomy.types import (
    AlertLevel,
    Classification,
    Evidence,
    FailureCategory,
    FailureType,
    RemediationAction,
    Scalar,
)

__all__ = [
    "REMEDIES",
    "Agreement",
    "AlertLevel",
    "Classification",
    "Classifier",
    "CorrectionStore",
    "Corrections",
    "Downstream",
    "Evidence",
    "ExceptionFacts",
    "FailureCategory",
    "FailureTaxonomy",
    "FailureType",
    "Frame",
    "ParsedText",
    "ProjectRule",
    "Registry",
    "RemediationAction",
    "Remedy",
    "Scalar",
    "decorated",
    "extract",
    "fingerprint",
    "mask",
    "normalise_message",
    "overall",
    "parse_downstreams",
    "parse_rules",
    "parse_text",
    "rule",
    "server_wait_seconds",
]
