# Candidate 911 of repeat 0 with its constants tuned; fitness 0.1002 on seeds that the search did not use.
def train(w, g, m, v, lr):
    x1 = interp(g, m, 0.81490314)
    x2 = sign(x1)
    x3 = x2 + w
    update = sign(x3)
    update = x3 + update
    rate = lr * 0.4242746
    update = update * rate
    m = interp(g, m, 0.9399639)
    return update, m, v
