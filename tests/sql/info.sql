-- The library and the process: koelectra_version, koelectra_info, koelectra_config.

.print -- version
SELECT koelectra_version() GLOB '[0-9]*.[0-9]*.[0-9]*' AS looks_like_one;

.print -- info
SELECT koelectra_load('default', 'tests/reference/tiny');
SELECT json_extract(koelectra_info(), '$.version') = koelectra_version(),
  json_extract(koelectra_info(), '$.sqlite') = sqlite_version(),
  json_extract(koelectra_info(), '$.kernels') IN ('portable', 'avx2', 'avx512', 'neon'),
  json_extract(koelectra_info(), '$.threads') = koelectra_config('threads'),
  json_array_length(koelectra_info(), '$.models');
SELECT koelectra_load('tiny "1"', 'tests/reference/tiny');
SELECT key, CASE key WHEN 'path' THEN value LIKE '/%/tests/reference/tiny' ELSE value END
FROM json_each(koelectra_info(), '$.models[1]');

.print -- settings
SELECT koelectra_config('threads') > 0;
SELECT koelectra_config('threads', 2), koelectra_config('threads', '1'), koelectra_config('threads');
SELECT koelectra_config('threads', 0);
SELECT koelectra_config('threads', 100000);
SELECT koelectra_config('threads', 'many');
SELECT koelectra_config('threads', 1.5);
SELECT koelectra_config('threads', NULL);
SELECT koelectra_config('colour');
SELECT koelectra_config('colour', 1);
SELECT koelectra_config(NULL);
SELECT koelectra_config(x'00');
SELECT koelectra_config();
SELECT koelectra_config('threads', 1, 2);
SELECT koelectra_version(1);
SELECT koelectra_info(1);
SELECT koelectra_config('threads');
SELECT koelectra_config('cache_bytes'), koelectra_config('cache_bytes', 1000000), koelectra_config('cache_bytes');
SELECT koelectra_config('cache_bytes', -1);
SELECT koelectra_config('cache_bytes', 1 << 50);

.print -- what is kept of indexes in memory
CREATE VIRTUAL TABLE search USING koelectra_index(body);
INSERT INTO search VALUES('책'), ('문');
SELECT koelectra_info() ->> '$.images.count', koelectra_info() ->> '$.images.bytes', koelectra_info() ->> '$.cache_bytes';
SELECT body FROM search WHERE search MATCH '책' AND k = 1;
SELECT koelectra_info() ->> '$.images.count', koelectra_info() ->> '$.images.bytes' > 1000;
SELECT koelectra_config('cache_bytes', 0);
SELECT koelectra_info() ->> '$.images';
SELECT body FROM search WHERE search MATCH '책' AND k = 1;
SELECT koelectra_info() ->> '$.images';

.print -- a schema that is not trusted may read but not set
CREATE VIEW reads AS SELECT koelectra_version() <> '', length(koelectra_info()) > 100, koelectra_config('threads');
CREATE VIEW sets AS SELECT koelectra_config('threads', 2);
PRAGMA trusted_schema = OFF;
SELECT * FROM reads;
SELECT * FROM sets;
