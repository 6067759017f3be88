"""Other packages' interfaces to artifacts; each module needs the extra of its name."""
