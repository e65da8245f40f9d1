/* Signs without an instruction that counts bits in vectors: bits of half bytes are looked up.
 * Source: Muła, Kurz & Lemire 2018. */

static inline __m256i count_bits(__m256i v) {
  const __m256i counts = _mm256_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4, 0, 1, 1,
                                          2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
  return _mm256_add_epi8(_mm256_shuffle_epi8(counts, low(v)), _mm256_shuffle_epi8(counts, high(v)));
}

/* Of four rows: a word's first three planes together make at most 8 · 7 in a byte. */
static inline __m256i sums_of_word(const uint64_t *planes, __m256i bits) {
  __m256i count[4];
  for (size_t p = 0; p < 4; p++)
    count[p] = count_bits(_mm256_and_si256(bits, _mm256_set1_epi64x((long long)planes[p])));
  __m256i twice = _mm256_add_epi8(count[1], _mm256_add_epi8(count[2], count[2]));
  __m256i positive = _mm256_add_epi8(count[0], _mm256_add_epi8(twice, twice));
  __m256i zero = _mm256_setzero_si256(), negative = _mm256_sad_epu8(count[3], zero);
  return _mm256_sub_epi64(_mm256_sad_epu8(positive, zero), _mm256_slli_epi64(negative, 3));
}

static inline void sign_group(const uint64_t *planes, const uint64_t *signs, size_t units,
                              int32_t *out) {
  __m256i first = _mm256_setzero_si256(), second = first;
  for (size_t u = 0; u < units; u++, signs += 8, planes += 4) {
    first = _mm256_add_epi64(first, sums_of_word(planes, load(signs)));
    second = _mm256_add_epi64(second, sums_of_word(planes, load(signs + 4)));
  }
  __m256i even = _mm256_castps_si256(
      _mm256_shuffle_ps(_mm256_castsi256_ps(first), _mm256_castsi256_ps(second), 0x88));
  _mm256_storeu_si256((__m256i *)(void *)out, _mm256_permute4x64_epi64(even, 0xD8));
}
