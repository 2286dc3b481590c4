# Candidate 834 of repeat 0 with its constants tuned; fitness 0.0191 on seeds that the search did not use.
def train(w, g, m, v, lr):
    update = interp(g, m, 0.7735826)
    update = sign(update)
    decay = w * 0.6487216
    update = update + decay
    rate = lr * 0.90018404
    update = update * rate
    m = interp(g, m, 0.94378716)
    return update, m, v
