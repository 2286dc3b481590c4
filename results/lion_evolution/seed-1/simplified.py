# Candidate 2554 of repeat 3 with its constants tuned, simplified: 7 statements of 33 are left after 28 steps; resembles signum (beta1 0.82, decay 1, rate 0.007); left over: arcsinh(min(0.155, w)) in place of w.
def train(w, g, m, v, lr):
    m = interp(g, m, 0.82)
    x1 = sign(m)
    update = min(0.155, w)
    update = arcsinh(update)
    update = update + x1
    rate = lr * 0.007
    update = update * rate
    return update, m, v
