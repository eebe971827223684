"""The public JSON API: post what happened, read what it does, answer it."""
