-- Vectors of known texts. model: embedding model id; hashes: xxh3-128 of the texts in lower hex.
-- Returns text_hash (lower hex) and embedding (float32, unit length); texts that are not known give no row.
SELECT lower(hex(text_hash)) AS text_hash, any(embedding) AS embedding
FROM embeddings
WHERE model = {model:String}
  AND embeddings.text_hash IN (SELECT toFixedString(unhex(arrayJoin({hashes:Array(String)})), 16))
GROUP BY embeddings.text_hash
