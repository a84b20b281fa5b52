"""What each command of `sansheng` does."""
