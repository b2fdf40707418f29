"""The exercises: their files, their manifests, their gaps."""
