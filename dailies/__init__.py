"""The ground of Dailies: words, configuration, record, mirror, access and readers."""
