"""Safety of single calls: injected instructions, toxic language, personal data, secrets, leaked system prompts, refusals."""
