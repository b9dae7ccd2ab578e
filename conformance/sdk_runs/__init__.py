"""Official SDKs themselves: installed in pinned versions into a cache of ours, and driven through their calls."""

from conformance.sdk_runs.driving import DriverResult, drive
from conformance.sdk_runs.installation import MissingToolError, Place, install, program_path
from conformance.sdk_runs.packages import SdkPackage, load_packages, package_named
from conformance.sdk_runs.scripts import Script, load_scripts

__all__ = [
    "DriverResult",
    "MissingToolError",
    "Place",
    "Script",
    "SdkPackage",
    "drive",
    "install",
    "load_packages",
    "load_scripts",
    "package_named",
    "program_path",
]
