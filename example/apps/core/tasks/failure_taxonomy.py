"""Documented path of the failure taxonomy."""

from redrive.taxonomy import FailureTaxonomy, FailureType, RemediationAction

__all__ = ["FailureTaxonomy", "FailureType", "RemediationAction"]
