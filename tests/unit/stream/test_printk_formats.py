from ktrace.stream.printk_formats import PrintkFormats


def test_texts_by_address():
    loaded = []

    def load():
        loaded.append(1)
        return '0xffffffff81000000 : "Start\\t\\"it\\"\\n"\n0x10 : "C:\\x"\nnoise\n'

    texts = PrintkFormats(load)
    assert not loaded
    assert texts(0xFFFFFFFF81000000) == 'Start\t"it"\n'
    assert texts(0x10) == "C:\\x"
    assert texts(0x11) is None
    assert loaded == [1]


def test_a_running_kernel_is_asked_again_when_a_module_brought_formats():
    loaded = ['0x10 : "old"\n']
    asked = []
    texts = PrintkFormats(lambda: asked.append(1) or "".join(loaded), changing=True)
    assert texts(0x10) == "old" and texts(0x20) is None
    loaded.append('0x30 : "new"\n')
    assert texts(0x30) == "new" and texts(0x10) == "old"
    before = len(asked)
    assert texts(0x20) is None and texts(0x10) == "old"
    assert len(asked) == before  # once for each address


def test_many_unknown_addresses_do_not_cost_a_load_each():
    asked = []
    texts = PrintkFormats(lambda: asked.append(1) or "", changing=True)
    assert [texts(address) for address in range(1000)] == [None] * 1000
    assert len(asked) < 100
