-- sql/evaluate_korquad.sql, over a tiny model of the tests and sentences written for them: its weights are random, and so
-- is what it answers.
SELECT koelectra_load('korquad', 'tests/reference/heads/answers');
.cd tests/reference/evaluation
.read ../../../sql/evaluate_korquad.sql

.print -- all questions are read, with all their answers; every prediction is in its context
SELECT id, title, question, answers FROM question;
SELECT count(*), count(predicted), sum(instr(context, predicted) = 0) FROM prediction JOIN question USING (id);
.print -- the figure of right answers
SELECT koelectra_exact_match(json_extract(answers, '$[#-1]'), answers) FROM prediction;
