/* The yardstick in C: epsilon-greedy Q-learning on NChain, one seed after the other.

   The same problem and the same rule as tutorial_loop.py, with a float32 table as qlearn's. Random numbers: Threefry-2x32
   with 13 rounds (Salmon et al. 2011), a function of (seed; episode, step), as in qlearn: one call a step, whose first
   word says explore or not and with its lowest bit which action, and whose second word says slip or not.
   It keeps what a training run keeps: the table, the visits of each cell, each episode's return. */

#include <stdint.h>

#define N 5

static inline uint32_t rotate(uint32_t x, int k) { return (x << k) | (x >> (32 - k)); }

void threefry13(uint32_t k0, uint32_t k1, uint32_t c0, uint32_t c1, uint32_t *out)
{
    static const int turn[8] = {13, 15, 26, 6, 17, 29, 16, 24};
    const uint32_t key[3] = {k0, k1, 0x1BD11BDAu ^ k0 ^ k1};
    uint32_t x0 = c0 + key[0], x1 = c1 + key[1];
#pragma GCC unroll 13
    for (int i = 0; i < 13; i++) {
        x0 += x1;
        x1 = rotate(x1, turn[i % 8]) ^ x0;
        if (i % 4 == 3) { /* a new part of the key after every fourth round */
            const int j = i / 4 + 1;
            x0 += key[j % 3];
            x1 += key[(j + 1) % 3] + (uint32_t)j;
        }
    }
    out[0] = x0;
    out[1] = x1;
}

static inline uint32_t threshold(double p) { return p >= 1.0 ? UINT32_MAX : (uint32_t)(p * 4294967296.0); }

/* q: (seeds, 5, 2); visits: (seeds, 5, 2); returns: (seeds, episodes). */
void train(uint32_t first_seed, uint32_t seeds, uint32_t episodes, uint32_t steps, float learning_rate, float discount,
           double epsilon, double decay, float *q_out, uint32_t *visits_out, float *returns)
{
    static const int next_state[N][2] = {{1, 0}, {2, 0}, {3, 0}, {4, 0}, {4, 0}};
    static const float rewards[N][2] = {{0, 2}, {0, 2}, {0, 2}, {0, 2}, {10, 2}};
    const uint32_t slips = threshold(0.2);
    for (uint32_t i = 0; i < seeds; i++) {
        float(*q)[2] = (float(*)[2])(q_out + i * N * 2);
        uint32_t(*visits)[2] = (uint32_t(*)[2])(visits_out + i * N * 2);
        double eps = epsilon;
        for (uint32_t episode = 0; episode < episodes; episode++) {
            eps *= decay;
            const uint32_t explores = threshold(eps);
            int state = 0;
            float total = 0;
            for (uint32_t step = 0; step < steps; step++) {
                uint32_t word[2];
                threefry13(first_seed + i, 0, episode, step, word);
                const float q0 = q[state][0], q1 = q[state][1];
                const int explore = (word[0] < explores) | (q0 + q1 == 0.0f);
                const int action = explore ? (int)(word[0] & 1) : q1 > q0;
                const int moved = action ^ (word[1] < slips);
                const int next = next_state[state][moved];
                const float reward = rewards[state][moved];
                const float best = q[next][0] > q[next][1] ? q[next][0] : q[next][1];
                const float old = action ? q1 : q0;
                q[state][action] = old + learning_rate * (reward + discount * best - old);
                visits[state][action]++;
                total += reward;
                state = next;
            }
            returns[(uint64_t)i * episodes + episode] = total;
        }
    }
}
