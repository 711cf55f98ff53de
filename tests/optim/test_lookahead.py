"""Lookahead by hand."""

import numpy as np

from minires import nn, optim


def test_slow_weights_follow_and_the_net_goes_to_them():
    net = nn.BatchNorm1d(2)
    lookahead = optim.Lookahead(net, decay=0.75)
    net.bias.update_(np.array([4.0, 8.0], np.float32))
    net.running_mean[...] = 2.0
    net.num_batches_tracked[...] = 3
    lookahead.update()
    assert net.bias.data.tolist() == [1.0, 2.0]  # a quarter of the way from 0
    assert net.running_mean.tolist() == [0.5, 0.5]
    assert net.num_batches_tracked == 3
    net.bias.update_(np.array([5.0, 2.0], np.float32))
    again = optim.Lookahead(net)
    again.load_state_dict(lookahead.state_dict())
    again.update()
    assert net.bias.data.tolist() == [2.0, 2.0]
    net.bias.update_(np.zeros(2, np.float32))
    again.write()
    assert net.bias.data.tolist() == [2.0, 2.0]
