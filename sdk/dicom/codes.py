"""Codes that written files speak in: value, coding scheme and meaning (DICOM PS3.16)."""

Code = tuple[str, str, str]
"""Value, coding scheme and meaning."""

PRIVATE = "99ANGIOEDGE"
"""Scheme of this project, for what no standard has a code for."""

ANATOMICAL_STRUCTURE: Code = ("91723000", "SCT", "Anatomical Structure")
ARTERY: Code = ("51114001", "SCT", "Artery")
ARTIFICIAL_INTELLIGENCE: Code = ("123110", "DCM", "Artificial Intelligence")
BLOOD_VESSEL: Code = ("59820001", "SCT", "Blood Vessel")
BRAIN: Code = ("12738006", "SCT", "Brain")
MICROBLEED: Code = ("723857007", "SCT", "Silent micro-hemorrhage of brain")
"""What SNOMED CT calls a cerebral microbleed; nobody asked the patient, whatever the name says."""

LOBAR: Code = ("LOBAR", PRIVATE, "Lobar, Microbleed Anatomical Rating Scale")
DEEP: Code = ("DEEP", PRIVATE, "Deep, Microbleed Anatomical Rating Scale")
INFRATENTORIAL: Code = (
    "INFRATENTORIAL",
    PRIVATE,
    "Infratentorial, Microbleed Anatomical Rating Scale",
)
"""Groups of structures that the scale makes: no standard has a code for one."""

ANGIOGRAPHY: Code = ("77343006", "SCT", "Angiography")
MR_OF_UNSAID_REGION: Code = ("25056-3", "LN", "MRI unspecified body region")
"""Of the procedures that reports of measurements know (CID 100); the finding site is the brain."""

SEGMENTATION: Code = ("113076", "DCM", "Segmentation")
SOURCE_IMAGE: Code = ("121322", "DCM", "Source image for image processing operation")

AREA: Code = ("42798000", "SCT", "Area")
ARRIVAL_TIME: Code = ("126371", "DCM", "Bolus Arrival Time")
CERTAINTY: Code = ("111012", "DCM", "Certainty of Finding")
DIAMETER: Code = ("81827009", "SCT", "Diameter")
FRAMES: Code = ("121140", "DCM", "Number of Frames")
LESIONS: Code = ("246206008", "SCT", "Number of lesions")
COMMENT: Code = ("121106", "DCM", "Comment")

MAXIMUM: Code = ("56851009", "SCT", "Maximum")
MEAN: Code = ("373098007", "SCT", "Mean")
MEDIAN: Code = ("373099004", "SCT", "Median")
MINIMUM: Code = ("255605001", "SCT", "Minimum")

NO_UNITS: Code = ("1", "UCUM", "no units")
MILLIMETRE: Code = ("mm", "UCUM", "millimeter")
MILLISECOND: Code = ("ms", "UCUM", "millisecond")
PERCENT: Code = ("%", "UCUM", "Percent")
PIXELS: Code = ("{pixels}", "UCUM", "pixels")
SQUARE_MILLIMETRE: Code = ("mm2", "UCUM", "square millimeter")

IMAGE_QUALITY: Code = ("111101", "DCM", "Image Quality")
DIAGNOSTIC: Code = ("RID12", "RADLEX", "Diagnostic quality")
LIMITED: Code = ("RID13", "RADLEX", "Limited quality")
NON_DIAGNOSTIC: Code = ("RID14", "RADLEX", "Non-diagnostic quality")

FINDINGS_SUMMARY: Code = ("111017", "DCM", "CAD Processing and Findings Summary")
WITH_FINDINGS: Code = ("111242", "DCM", "All algorithms succeeded; with findings")
WITHOUT_FINDINGS: Code = ("111241", "DCM", "All algorithms succeeded; without findings")
QUALITATIVE: Code = ("C0034375", "UMLS", "Qualitative Evaluations")
