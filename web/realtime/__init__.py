"""The gateway: one asyncio process that carries signalling, chat and the feed. It never imports Pyramid."""
