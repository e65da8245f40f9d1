-- Vectors without a model: koelectra_cosine, koelectra_vector, koelectra_vector_json.

.print -- JSON to BLOB and back
SELECT hex(koelectra_vector('[0.5, -0.25, 1e-3, 0]'));
SELECT koelectra_vector_json(x'0000003f000080be'), koelectra_vector_json(x'00000080');
SELECT koelectra_vector_json(koelectra_vector('[0.1, 16777217, 1e-45, -3.4028234e38, 123456789012345678901234567890]'));
SELECT koelectra_vector(koelectra_vector_json(v)) = v FROM (SELECT x'cdcccc3d000080bf01000000ffff7f7fdb0f494000000080' AS v);
SELECT koelectra_vector(NULL) IS NULL, koelectra_vector_json(NULL) IS NULL;
SELECT json_array(koelectra_vector_json(koelectra_vector('[1]')), json_array_length(koelectra_vector_json(koelectra_vector('[1, 2, 3]'))));
SELECT length(koelectra_vector('[' || replace(printf('%.*c', 99999, 'x'), 'x', '1,') || '1]'));

.print -- cosine
SELECT koelectra_cosine(koelectra_vector('[1, 0]'), koelectra_vector('[1, 0]')), koelectra_cosine(koelectra_vector('[1, 0]'), koelectra_vector('[0, 5]')),
  koelectra_cosine(koelectra_vector('[2, 0]'), koelectra_vector('[-3, 0]')), round(koelectra_cosine(koelectra_vector('[1, 1]'), koelectra_vector('[1, 0]')), 6);
SELECT koelectra_cosine(koelectra_vector('[3e38, 3e38]'), koelectra_vector('[3e38, 3e38]')), koelectra_cosine(koelectra_vector('[1e-44]'), koelectra_vector('[1]'));
SELECT koelectra_cosine(NULL, x'0000803f') IS NULL, koelectra_cosine(x'0000803f', NULL) IS NULL;

.print -- a zero vector has no direction
SELECT koelectra_cosine(koelectra_vector('[0, 0]'), koelectra_vector('[1, 0]')) IS NULL, koelectra_cosine(zeroblob(8), zeroblob(8)) IS NULL;

.print -- no vectors
SELECT koelectra_cosine(x'0000803f', x'0000803f0000803f');
SELECT koelectra_cosine(x'0000803f', x'0000803f00');
SELECT koelectra_cosine(x'', x'');
SELECT koelectra_cosine('[1]', x'0000803f');
SELECT koelectra_cosine(x'0000803f', 1);
SELECT koelectra_cosine(1.5, x'0000803f');
SELECT koelectra_cosine(x'0000803f0000807f', x'0000803f0000803f');
SELECT koelectra_cosine(x'0000803f', x'0000c0ff');
SELECT koelectra_vector_json(x'000000');
SELECT koelectra_vector_json('[1]');
SELECT koelectra_vector_json(x'0000807f');
SELECT koelectra_vector_json(x'');

.print -- no JSON arrays of numbers
SELECT koelectra_vector('[]');
SELECT koelectra_vector('[1, [2]]');
SELECT koelectra_vector('[1, null]');
SELECT koelectra_vector('[1, "2"]');
SELECT koelectra_vector('{"a": 1}');
SELECT koelectra_vector('[1, 1e39]');
SELECT koelectra_vector('[1e999]');
SELECT koelectra_vector('[1, 2');
SELECT koelectra_vector('[NaN]');
SELECT koelectra_vector('');
SELECT koelectra_vector(5);
SELECT koelectra_vector(x'5b315d');
SELECT koelectra_vector('[1]' || char(0));
SELECT koelectra_vector(CAST(x'5bff5d' AS TEXT));
SELECT koelectra_vector(printf('%.*c', 100000, '['));

.print -- wrong counts
SELECT koelectra_cosine(x'0000803f');
SELECT koelectra_cosine(x'0000803f', x'0000803f', 1);
SELECT koelectra_vector();
SELECT koelectra_vector('[1]', 1);
SELECT koelectra_vector_json();
SELECT koelectra_vector_json(x'0000803f', 1);
