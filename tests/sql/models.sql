-- Models by name: koelectra_load, koelectra_unload, koelectra_models.

.print -- registered, not opened
SELECT koelectra_load('default', 'tests/reference/tiny');
SELECT koelectra_embed('글', 'nobody');
SELECT koelectra_load('score', 'tests/reference/odd', '{"max_length": 32}');
SELECT koelectra_load('bare', 'tests/reference/bare', NULL);
.mode line
SELECT name, path LIKE '/%' AS absolute, path, architecture, task, version,
  hidden_size, layers, labels, precision, pooling, loaded, bytes, fingerprint
FROM koelectra_models;
.mode list

.print -- opened by use
SELECT length(koelectra_embed('글'));
SELECT name, precision, loaded, bytes > 100000 AS bytes, fingerprint GLOB replace(printf('%16s', ''), ' ', '[0-9a-f]') AS fingerprint
FROM koelectra_models;

.print -- the same directory under two names is open once; other options make another model
SELECT koelectra_load('same', 'tests/reference/tiny'), koelectra_load('cls', 'tests/reference/tiny', '{"pooling": "cls"}');
SELECT koelectra_embed('글') = koelectra_embed('글', 'same'), koelectra_embed('글') = koelectra_embed('글', 'cls');
SELECT a.fingerprint = b.fingerprint AS equal, b.pooling, b.name
FROM koelectra_models a, koelectra_models b WHERE a.name = 'default' AND b.hidden_size = a.hidden_size;

.print -- a name can be given another directory
SELECT koelectra_load('same', 'tests/reference/bare'), length(koelectra_embed('글', 'same')) / 4;

.print -- forgotten
SELECT koelectra_unload('same'), koelectra_unload('score');
SELECT group_concat(name) FROM koelectra_models;
SELECT koelectra_embed('글', 'same');
SELECT koelectra_unload('same');
SELECT koelectra_unload('bare');
SELECT koelectra_embed('글', 'bare');

.print -- what cannot be registered
SELECT koelectra_load('', 'tests/reference/tiny');
SELECT koelectra_load(NULL, 'tests/reference/tiny');
SELECT koelectra_load(x'616263', 'tests/reference/tiny');
SELECT koelectra_load('a' || char(0) || 'b', 'tests/reference/tiny');
SELECT koelectra_load('x', NULL);
SELECT koelectra_load('x', x'2e');
SELECT koelectra_load('x', '');
SELECT koelectra_load('x', 'no/such/directory');
SELECT koelectra_load('x', 'tests' || char(0));
SELECT koelectra_load('x', 'Makefile');
SELECT koelectra_load('x', 'tests/reference/tiny', '{"pooling": "max"}');
SELECT koelectra_load('x', 'tests/reference/tiny', '{"pool": "cls"}');
SELECT koelectra_load('x', 'tests/reference/tiny', '{"max_length": 1}');
SELECT koelectra_load('x', 'tests/reference/tiny', '{"max_length": 65}');
SELECT koelectra_load('x', 'tests/reference/tiny', 'fast');
SELECT koelectra_load('x', 'tests/reference/tiny', x'7b7d');
SELECT koelectra_load('x');
SELECT koelectra_load('x', 'tests/reference/tiny', '{}', 1);
SELECT koelectra_unload(NULL);
SELECT koelectra_unload();
SELECT * FROM koelectra_models('x');
SELECT group_concat(name) FROM koelectra_models;

.print -- a schema cannot open files
CREATE VIEW opens AS SELECT koelectra_load('x', 'tests/reference/tiny');
SELECT * FROM opens;
CREATE VIEW forgets AS SELECT koelectra_unload('cls');
SELECT * FROM forgets;

.print -- the table is read only
INSERT INTO koelectra_models(name) VALUES('x');
DELETE FROM koelectra_models;
DROP TABLE koelectra_models;
