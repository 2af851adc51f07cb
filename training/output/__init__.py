"""What a run leaves and shows, whatever it is about: its folder, its page, its screen."""
