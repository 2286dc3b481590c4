# AdamW with the constants that are tuned for `vit_noisy`, which decays the rate from 0.01.
def train(w, g, m, v, lr):
    g2 = square(g)
    m = interp(g, m, 0.65)
    v = interp(g2, v, 0.84)
    s = sqrt(v)
    update = m / s
    wd = w * 0.093
    update = update + wd
    lr = lr * 1.66
    update = update * lr
    return update, m, v
