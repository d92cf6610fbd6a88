// EngineLink
