-- The model inside the library: 'default' before anything is loaded.
-- needs model/default/model.safetensors

.print -- there from the start, opened by use
SELECT name, path, architecture, labels, loaded FROM koelectra_models;
SELECT koelectra_classify('정말 재미있게 봤습니다. 최고의 영화예요!'), koelectra_classify('시간이 아깝다. 정말 지루한 영화');
SELECT name, precision, loaded, bytes > 1000000 AS bytes FROM koelectra_models;

.print -- the same as its files on the disk
SELECT koelectra_load('disk', 'model/default');
SELECT koelectra_embed('글') = koelectra_embed('글', 'disk');
SELECT count(*), count(DISTINCT fingerprint) FROM koelectra_models;

.print -- other options, under another name
SELECT koelectra_load('short', ':built-in:', '{"max_length": 16}');
SELECT koelectra_embed('글') = koelectra_embed('글', 'short');

.print -- another default, until it is unloaded
SELECT koelectra_load('default', 'tests/reference/tiny'), length(koelectra_embed('글')) / 4;
SELECT koelectra_unload('default');
SELECT name, path FROM koelectra_models WHERE path NOT LIKE '%/model/default';
SELECT koelectra_embed('글') = koelectra_embed('글', 'disk');

.print -- unloading it frees its memory; the name stays
SELECT koelectra_unload('default'), koelectra_unload('default');
SELECT name, loaded, bytes FROM koelectra_models WHERE name = 'default';
SELECT koelectra_embed('글') = koelectra_embed('글', 'disk');
SELECT koelectra_embed('글', 'nobody');
