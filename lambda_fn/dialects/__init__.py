"""The dialects that other servers' clients speak: one file each, which `DIALECTS` of ``http/routes.py`` names."""
