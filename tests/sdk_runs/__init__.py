"""Tests of `conformance.sdk_runs`, with SDKs from their registries."""
