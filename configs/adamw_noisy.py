# AdamW with the constants that are tuned for `vit_noisy`.
def train(w, g, m, v, lr):
    g2 = square(g)
    m = interp(g, m, 0.673)
    v = interp(g2, v, 0.689)
    s = sqrt(v)
    update = m / s
    wd = w * 0.358
    update = update + wd
    lr = lr * 1.87
    update = update * lr
    return update, m, v
