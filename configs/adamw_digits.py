# AdamW with the constants that are tuned for `digits_noisy`.
def train(w, g, m, v, lr):
    g2 = square(g)
    m = interp(g, m, 0.51)
    v = interp(g2, v, 0.69)
    s = sqrt(v)
    update = m / s
    wd = w * 0.053
    update = update + wd
    lr = lr * 4.2
    update = update * lr
    return update, m, v
