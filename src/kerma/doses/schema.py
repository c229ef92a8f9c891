"""The columns of the dose store: one row a study, one row an irradiation event.

Lengths, doses and times carry their unit in the name. Missing is null, never zero.
"""

from __future__ import annotations

import polars as pl

# Raised whenever a column is added, removed or means something else: older files are rebuilt.
VERSION = 2

CONTEXT: dict[str, pl.DataType | type[pl.DataType]] = {
    "study": pl.Int64,
    "date": pl.Date,
    "hour": pl.Int8,
    "modality": pl.String,
    "employer": pl.String,
    "site": pl.String,
    "system": pl.String,
    "device": pl.String,
    "standard": pl.String,
    "description": pl.String,
    "sex": pl.String,
    "age_y": pl.Float64,
    "height_m": pl.Float64,
    "mass_kg": pl.Float64,
    "patient": pl.Boolean,
    "operator": pl.String,
}

STUDIES: dict[str, pl.DataType | type[pl.DataType]] = {
    **CONTEXT,
    "events": pl.Int32,
    "dlp_mgy_cm": pl.Float64,
    "ctdivol_max_mgy": pl.Float64,
    "phantom": pl.String,
    "kap_gy_cm2": pl.Float64,
    "dose_rp_mgy": pl.Float64,
    "fluoro_time_s": pl.Float64,
    "agd_left_mgy": pl.Float64,
    "agd_right_mgy": pl.Float64,
    "skin_peak_mgy": pl.Float64,
}

EVENTS: dict[str, pl.DataType | type[pl.DataType]] = {
    **CONTEXT,
    "event": pl.Int32,
    "type": pl.String,
    "protocol": pl.String,
    "region": pl.String,
    "laterality": pl.String,
    "view": pl.String,
    "kvp_kv": pl.Float64,
    "current_ma": pl.Float64,
    "exposure_mas": pl.Float64,
    "time_ms": pl.Float64,
    "ctdivol_mgy": pl.Float64,
    "phantom": pl.String,
    "dlp_mgy_cm": pl.Float64,
    "pitch": pl.Float64,
    "scan_length_mm": pl.Float64,
    "size_mm": pl.Float64,
    "kap_gy_cm2": pl.Float64,
    "dose_rp_mgy": pl.Float64,
    "agd_mgy": pl.Float64,
    "thickness_mm": pl.Float64,
    "anode_filter": pl.String,
    "exposure_index": pl.Float64,
    "deviation_index": pl.Float64,
}

KINDS = {"studies": STUDIES, "events": EVENTS}
