"""What a study is laid out with where nothing is given."""
