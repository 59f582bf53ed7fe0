"""Is an answer supported by the documents that it was given? Which sentences and which words are not, and what is the best evidence?"""
