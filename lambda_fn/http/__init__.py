"""Any AWS event becomes one neutral request, a response what its sender expects. Knows neither models nor storage."""
