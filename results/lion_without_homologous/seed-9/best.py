# Candidate 899 of repeat 0 with its constants tuned; fitness 0.1590 on seeds that the search did not use.
def train(w, g, m, v, lr):
    g2 = square(g)
    x1 = interp(g2, v, 0.77147406)
    x2 = sqrt(x1)
    update = interp(g, m, 0.6223271)
    update = update / x2
    decay = w * 0.18772414
    update = update + decay
    update = clip(update, 3.0672088)
    rate = lr * 13.286336
    update = update * rate
    m = interp(g, m, 0.8383249)
    v = interp(g2, v, 0.9637221)
    return update, m, v
