"""The places that archives are published to."""
