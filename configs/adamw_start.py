# AdamW with constants that suit a few hundred steps. The rate is below the best one, so that changes of structure can improve the loss.
def train(w, g, m, v, lr):
    g2 = square(g)
    m = interp(g, m, 0.9)
    v = interp(g2, v, 0.99)
    s = sqrt(v)
    update = m / s
    wd = w * 0.1
    update = update + wd
    lr = lr * 1.0
    update = update * lr
    return update, m, v
