"""Measures what SQL adds to the encoder."""
import statistics

from programs import interleave, median_ratio
from table import Row


def batch_rows(material, rounds, threads):
    """koelectra_batch against the encoder that it calls, same texts, same threads."""
    count, precision = len(material.reviews), "int8"  # where the encoder is fastest, SQL counts most
    for number in threads:
        file = material.write_lines("batch.txt", material.reviews[:count])
        with material.program("bench_encoder", material.checkpoint("small"), precision, number) as ours:
            ours.ask("load")
            ours.ask("run", file)
            ours.ask("sql", file)
            raw, sql = interleave([lambda i: ours.rate("run", file), lambda i: ours.rate("sql", file)], rounds)
        yield Row("SQL", f"koelectra_batch, Small {precision}, {count} reviews, {number} "
                  f"thread{'s' * (number > 1)}", "tokens/s", ours=statistics.median(sql),
                  peer=statistics.median(raw), peer_name="the encoder alone",
                  ratio=median_ratio(sql, raw), goal=0.95)
