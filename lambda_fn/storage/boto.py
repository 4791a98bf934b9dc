"""boto3, which at the level of the function logs what it sends, tokens and all, and what comes: here it is quiet."""

from __future__ import annotations

import logging

import boto3

__all__ = ["boto3"]

for _name in ("boto3", "botocore", "s3transfer", "urllib3"):
    logging.getLogger(_name).setLevel(logging.ERROR)
