"""The documented entry point, ``FailureTaxonomy.classify(exception)``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from redrive.clock import SystemClock
from redrive.taxonomy.classifier import Classifier
from redrive.taxonomy.facts import ExceptionFacts
from redrive.taxonomy.types import Classification


class FailureTaxonomy:
    """Classifies with the built-in rules, or with the classifier the running application put in place."""

    _classifier: ClassVar[Classifier] = Classifier(now=SystemClock().now)

    @classmethod
    def classify(
        cls, exception: BaseException, task_context: Mapping[str, Any] | None = None
    ) -> Classification:
        """What ``exception`` means and what to do about it; see ``Classifier.classify``. Never raises."""
        return FailureTaxonomy._classifier.classify(exception, task_context)

    @classmethod
    def classify_facts(
        cls, facts: ExceptionFacts, task_context: Mapping[str, Any] | None = None
    ) -> Classification:
        """The same for an exception that was read before with ``extract``. Never raises."""
        return FailureTaxonomy._classifier.classify_facts(facts, task_context)

    @classmethod
    def configure(cls, classifier: Classifier | None) -> None:
        """Use ``classifier`` from now on in this process; None brings the built-in rules back."""
        FailureTaxonomy._classifier = (
            classifier if classifier is not None else Classifier(now=SystemClock().now)
        )
