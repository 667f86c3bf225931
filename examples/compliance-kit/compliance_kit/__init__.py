"""A small compliance report generator, and the faults it can be told to have."""

from pathlib import Path

VERSION = "2.0.0"
"""The release that this code is, unless the variable RELEASE says otherwise."""

SERVICE = "compliance-report-generator"
"""The name of the service in answers and logs."""

FEATURE = "compliance_report_generator"
"""The feature, and the flag that rolls it out."""

FEATURE_FULL = "compliance_report_generator_full"
"""The flag that takes over from `FEATURE` once the rollout is complete."""

FLAGS_FILE = Path(__file__).resolve().parent.parent / "feature_flags" / "flags.json"
"""The flags at start. Changes live in memory and never reach this file."""
