-- How far long operations are: koelectra_progress.  It is seen at work in tests/test_rebuild.c.

.print -- nothing runs
SELECT count(*) FROM koelectra_progress;
SELECT group_concat(trim(name || ' ' || type), ', ') FROM pragma_table_xinfo('koelectra_progress');

.print -- of one database, by its path; of none
SELECT count(*) FROM koelectra_progress('/no/such/file.db');
SELECT count(*) FROM koelectra_progress(NULL), koelectra_progress('');
SELECT count(*) FROM koelectra_progress(x'2f');

.print -- it looks at files, so no schema may use it by itself
CREATE VIEW watched AS SELECT * FROM koelectra_progress;
SELECT * FROM watched;
DROP VIEW watched;
