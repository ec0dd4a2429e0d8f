"""Generated from `protos/rivers/v1`; not edited by hand."""
